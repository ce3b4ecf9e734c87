"use strict";
// Sorting and filtering of tables marked "live". Cells are only moved or hidden: nothing of the log is ever run or parsed as markup.
for (const table of document.querySelectorAll("table.live")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const text = (row, column) => (row.cells[column]?.innerText ?? "").trim();
  const number = (value) => {
    const plain = value.replace(/,/g, "").match(/^(?:under |over |< )?(-?\d+(?:\.\d+)?)/);
    return plain ? Number(plain[1]) : 0;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.classList.contains("r");
      const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : numeric;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows];
      rows.sort((a, b) => {
        const [x, y] = [text(a, column), text(b, column)];
        const order = numeric ? number(x) - number(y) : x.localeCompare(y);
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });
  const label = document.createElement("label"), input = document.createElement("input");
  label.className = "filter";
  label.textContent = "Filter";
  input.type = "search";
  label.append(input);
  table.before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
// A link to a finding opens what it lies in.
const open = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  for (let at = target || null; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
};
addEventListener("hashchange", open);
open();
