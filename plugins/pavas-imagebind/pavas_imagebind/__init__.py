"""ImageBind as metric extractors, around a package that the user installs."""
