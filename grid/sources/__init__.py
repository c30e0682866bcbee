"""This folder is where data sets come from: an uploaded CSV file, cut into chunks of columns."""
