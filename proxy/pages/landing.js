// Shows only what matches while somebody types. What is not on the page, the form searches.
(() => {
  const field = document.getElementById("q");
  const said = document.getElementById("filtered");
  const before = field.value;

  function filter() {
    const wanted = field.value.trim().toLowerCase();
    const all = wanted === before.trim().toLowerCase();
    let count = 0;
    for (const section of document.querySelectorAll("[data-filtered]")) {
      let here = 0;
      for (const row of section.querySelectorAll(".entry")) {
        row.hidden = !all && !row.textContent.toLowerCase().includes(wanted);
        here += row.hidden ? 0 : 1;
      }
      section.hidden = !here;
      count += here;
    }
    said.textContent = all ? "" : `${count || "None"} on this page. Press Enter to search all.`;
  }

  field.addEventListener("input", filter);
})();
// Keeps what is listed up to date while somebody looks. A failed call changes nothing; the next one may succeed.
(() => {
  const EVERY = 10_000;
  const find = (page) => new Map([...page.querySelectorAll(".entry")].map((row) => [row.querySelector(".name").href, row]));

  async function refresh() {
    if (document.hidden) return;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const fresh = find(new DOMParser().parseFromString(await answer.text(), "text/html"));
    for (const [url, row] of find(document)) {
      const now = fresh.get(url);
      // Who is at a link by keyboard stays there.
      if (!now || now.innerHTML === row.innerHTML || row.contains(document.activeElement)) continue;
      row.replaceChildren(...now.childNodes);
    }
  }

  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
