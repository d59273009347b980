"""Views of cells: one batched augmentation with presets, and the normalisation it shares with inference."""
