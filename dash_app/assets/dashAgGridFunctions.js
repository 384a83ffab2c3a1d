/* Functions that table columns name. */
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
