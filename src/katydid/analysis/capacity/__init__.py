"""The highest load that keeps an objective: measured in stages, searched, estimated."""
