"""Google's object store on loopback, which the genuine clients find by its real name."""
