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
