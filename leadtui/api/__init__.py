"""The HTTP face: what other programs may do, each as the user whose token it brings (spec §AE)."""
