"""A judge of the compiler that shares nothing with it: what a document says must happen, read off the document itself.

``writing`` makes documents at random, of every construct of the language; ``reading`` walks one and says what has to come
of it; ``comparing`` runs the compiled flow and looks whether it did. None of these knows of plans, states or variables.
"""
