"""An exchange on loopback that speaks KuCoin: spot and futures, REST and WebSocket, with faults."""
