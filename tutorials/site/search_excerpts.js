// Below each result of the search, some of its text. A page that was opened from disk may not read other pages, so
// EXCERPTS holds the texts: a dictionary from the address of a page, or of a function on it, to its text.
document.addEventListener("DOMContentLoaded", () => {
  const results = document.getElementById("search-results");
  const query = new URLSearchParams(location.search).get("q");
  if (!results || !query) return;
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);

  // Where a word stands in a text. The search also finds its relatives ("encoding" for "encoder"), so the word may lose
  // letters from its end, down to three. A page that has it in its title only is quoted from the beginning.
  function place(word, lower) {
    for (let letters = word.length; letters >= Math.min(3, word.length); letters--) {
      const at = lower.indexOf(word.slice(0, letters));
      if (at >= 0) return at;
    }
    return Infinity;
  }

  function excerpt(text) {
    const lower = text.toLowerCase();
    const first = Math.min(...words.map((word) => place(word, lower)));
    const at = isFinite(first) ? first : 0;
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
