"""One file per screen. Screens call services in background work and never import the store."""
