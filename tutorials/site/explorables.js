// A figure that answers says how high it is, and its frame makes room for it. It is the only message that is heard.
addEventListener("message", ({ source, data }) => {
  for (const frame of document.querySelectorAll("iframe.explorable"))
    if (frame.contentWindow === source && Number.isFinite(data?.height)) frame.style.height = `${data.height + 4}px`;
});
