"""業務ワークフロー: how many stand in which state and how much they owe, who they are, who is stuck; and the figures on paper."""
