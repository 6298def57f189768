"""The pages of incidents and of the rules about them."""
