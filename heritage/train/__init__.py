"""Training of inpainters on one's own pictures: ``python -m heritage.train RECIPE.toml``.

Needs torch and Lightning Fabric; neither Prefect, SQLAlchemy nor rasterio.
"""
