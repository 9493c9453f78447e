"""Sections, tables and charts as HTML, SVG, Markdown, JUnit's XML, and text for a terminal."""
