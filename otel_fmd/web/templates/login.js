// What the dashboard wants to know of this browser, in cookies below its path.
const path = document.currentScript.dataset.path;
const keep = (name, value) => {
  document.cookie = name + "=" + encodeURIComponent(value) +
    "; path=" + path + "; samesite=lax; max-age=31536000";
};
keep("otel_fmd_zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
keep("otel_fmd_narrow", matchMedia("(max-width: 600px)").matches ? "1" : "0");
if (!/(^|; )otel_fmd_scheme=/.test(document.cookie))
  keep("otel_fmd_scheme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
