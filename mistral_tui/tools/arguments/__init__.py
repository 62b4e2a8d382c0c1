"""Arguments of calls against the schemas of tools, which may be made to harm: checked in a process of its own."""
