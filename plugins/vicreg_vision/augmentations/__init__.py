"""``vision/standard``: keyed views of images, batched on the device; built by ``build.build_standard``."""
