"""What KuCoin says and wants to hear: frames, conversations, sequences, books; no I/O but rest."""
