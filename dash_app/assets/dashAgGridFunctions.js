/* Functions that table columns refer to by name. */
window.dashAgGridFunctions = window.dashAgGridFunctions || {};

window.dashAgGridFunctions.fmdTheme = (theme, colorScheme) =>
  theme.withPart(colorScheme).withParams({
    fontFamily: "inherit",
    fontSize: 13,
    spacing: 6,
    backgroundColor: "var(--mantine-color-body)",
    foregroundColor: "var(--mantine-color-text)",
    accentColor: "var(--mantine-primary-color-filled)",
    wrapperBorderRadius: 8,
  });

window.dashAgGridFunctions.fmdDuration = (ms) => {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 1000) return ms.toLocaleString("en", { maximumFractionDigits: 0 });
  return ms.toLocaleString("en", { maximumSignificantDigits: 4 });
};

window.dashAgGridFunctions.fmdCount = (number) =>
  number === null || number === undefined ? "–" : number.toLocaleString("en");

window.dashAgGridFunctions.fmdPercent = (value) =>
  value === null || value === undefined ? "–" : value.toFixed(value < 10 ? 2 : 1);

window.dashAgGridFunctions.fmdChange = (value) => {
  if (value === null || value === undefined) return "–";
  const percent = Math.round(100 * value);
  return (percent > 0 ? "+" : percent < 0 ? "\u2212" : "") + Math.abs(percent) + " %";
};

/* Cells of a CSV: numbers as they are, and no text that a spreadsheet would run as a formula. */
window.dashAgGridFunctions.fmdCell = (value) =>
  typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
