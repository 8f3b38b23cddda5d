"""Work that goes on by itself: who does it (`lease`), when (`clock`), what (`routine`), start and end (`runner`)."""
