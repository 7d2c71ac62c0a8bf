"""``python -m agentops``: the command line."""

from __future__ import annotations

from agentops.cli.main import main

if __name__ == "__main__":
    main()
