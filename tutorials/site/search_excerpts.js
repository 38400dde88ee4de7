// Below each result of the search, some of its text. A page that was opened from disk may not read other pages, so
// EXCERPTS holds the texts: a dictionary from the address of a page, or of a function on it, to its text.
document.addEventListener("DOMContentLoaded", () => {
  const results = document.getElementById("search-results");
  const query = new URLSearchParams(location.search).get("q");
  if (!results || !query) return;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);

  function excerpt(text) {
    const lower = text.toLowerCase();
    const at = Math.min(...words.map((word) => lower.indexOf(word)).filter((i) => i >= 0));
    if (!isFinite(at)) return "";
    const start = Math.max(0, text.lastIndexOf(" ", Math.max(0, at - 80)));
    const end = text.indexOf(" ", Math.min(text.length, at + 140));
    return (start ? "… " : "") + text.slice(start, end < 0 ? undefined : end).trim() + (end < 0 ? "" : " …");
  }

  new MutationObserver(() => {
    for (const item of results.querySelectorAll("li:not([data-excerpt])")) {
      item.dataset.excerpt = "";
      const link = item.querySelector("a");
      const address = link ? link.getAttribute("href").replace(/\?[^#]*/, "") : "";
      const own = EXCERPTS[address];
      const found = address.includes("#") && own ? own : excerpt(EXCERPTS[address.split("#")[0]] || "");
      if (!found || item.querySelector("p.context")) continue;
      const paragraph = document.createElement("p");
      paragraph.className = "context";
      paragraph.textContent = found;
      item.append(paragraph);
    }
  }).observe(results, { childList: true, subtree: true });
});
