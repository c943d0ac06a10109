"""决策研判:analyses that advise. Decides nothing by itself."""
