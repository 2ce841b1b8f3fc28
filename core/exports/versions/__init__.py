"""What was published stays: make versions, keep, compare, forget, release, roll back and withdraw them."""
