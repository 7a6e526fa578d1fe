"use strict";
// Shows the values of the window under the pointer. The plot's edges are those of chart.rs.
for (const figure of document.querySelectorAll("figure.face")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const [svg, tip, cursor] = ["svg", ".tip", ".cursor"].map((what) => figure.querySelector(what));
  const [left, right, width] = [84, 950, 960];
  const [from, to] = data.span;
  const clock = (s) => Math.floor(s / 60) + ":" + (s % 60).toFixed(1).padStart(4, "0");
  const hide = () => {
    tip.hidden = true;
    cursor.style.visibility = "hidden";
  };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    const time = from + ((x - left) / (right - left)) * (to - from);
    if (time < data.own[0] - 0.05 || time > data.own[1] + 0.05 || !data.t.length) return hide();
    let k = 0;
    while (k + 1 < data.t.length && Math.abs(data.t[k + 1] - time) <= Math.abs(data.t[k] - time)) k++;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    cursor.style.visibility = "visible";
    const title = document.createElement("b");
    title.textContent = clock(time) + "   quality " + data.q[k].toFixed(2);
    const order = data.p[k].map((p, c) => [p, c]).sort((a, b) => b[0] - a[0]);
    const lines = order.map(([p, c]) => {
      const [line, key, share] = ["div", "i", "span"].map((what) => document.createElement(what));
      key.className = "fill" + c;
      share.textContent = (100 * p).toFixed(0) + " %";
      line.append(key, data.classes[c], share);
      return line;
    });
    tip.replaceChildren(title, ...lines);
    tip.hidden = false;
    const at = event.clientX - box.left;
    tip.style.left = at + 16 + tip.offsetWidth > box.width ? at - 16 - tip.offsetWidth + "px" : at + 16 + "px";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerleave", hide);
}
