"""The control process: it owns the halt latch, the gate, the door, and the processes it starts."""
