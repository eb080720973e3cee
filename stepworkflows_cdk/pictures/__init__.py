"""Pictures of a flow: the machine as a graph, as Mermaid text, as SVG, and as the page of one run."""
