"""``python -m mitre_mapper_windows``."""

import sys

from . import main

sys.exit(main())
