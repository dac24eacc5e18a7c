"""The calls about stacks, the types of their answers, and instances of variants as previews."""
