"""The CDK layer: a compiled bundle becomes resources.

Importing this package settles which Node runs jsii, which has to happen before the first import of ``aws_cdk``.
Everything here that imports ``aws_cdk`` is a module below it, so whoever gets at one has come through here first.
"""

from stepworkflows_cdk.constructs.node import use_node

use_node()
