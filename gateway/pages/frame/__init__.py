"""The frame of all signed-in pages: header, navigation, language, footer. Each audience's pages fill its middle."""
