"""``python -m stepworkflows_cdk`` is the command ``stepworkflows``."""

import sys

from stepworkflows_cdk.cli.main import main

sys.exit(main())
