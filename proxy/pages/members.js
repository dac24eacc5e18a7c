// Shows where the members of a variant are, and how far. The first answer has it already; their elements stay.
function showMembers(told) {
  const list = document.getElementById("members");
  document.getElementById("variant").hidden = !told.length;
  told.forEach((one, at) => {
    const li = list.children[at] || list.appendChild(list.children[0].cloneNode(true));
    const [name, where, word] = li.children;
    li.dataset.status = one.status;
    if (one.here) li.setAttribute("aria-current", "true");
    else li.removeAttribute("aria-current");
    name.href = one.url;
    name.textContent = one.name;
    where.textContent = one.where;
    word.textContent = one.word;
  });
  while (list.children.length > Math.max(1, told.length)) list.lastElementChild.remove();
}
