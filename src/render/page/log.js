/* The log: all of it in memory, only what is seen in the page. */
(() => {
  const part = one('#log');
  if (!part) return;
  const MOST = 4000; // characters of a line that are shown
  const TALL = 6e6; // pixels that every browser can scroll
  const plain = one('#plain', part);
  const pieces = all('pre[data-from]', plain);
  const texts = [];
  const starts = [];
  const numbers = [];
  let length = 0;
  let last = 0;
  const gap = (from, to) => {
    const words = `\u2026 lines ${from} to ${to} are not in this page\n`;
    starts.push(length); numbers.push(0); texts.push(words); length += words.length;
  };
  for (const piece of pieces) {
    let text = piece.textContent;
    if (!text.endsWith('\n')) text += '\n';
    let number = Number(piece.dataset.from);
    if (number > last + 1) gap(last + 1, number - 1);
    for (let at = 0; at < text.length; at = text.indexOf('\n', at) + 1) {
      starts.push(length + at); numbers.push(number); number += 1;
    }
    last = number - 1;
    texts.push(text); length += text.length;
  }
  const total = Number(part.dataset.lines);
  if (last < total) gap(last + 1, total);
  const text = texts.join('');
  texts.length = 0;
  starts.push(length);
  const count = numbers.length;
  plain.remove();
  const spans = JSON.parse(one('#spans').textContent);

  const lines = document.createElement('div');
  lines.id = 'lines';
  lines.tabIndex = 0;
  lines.setAttribute('role', 'region');
  lines.setAttribute('aria-label', 'the lines of the log');
  const tall = document.createElement('div');
  tall.className = 'tall';
  const rows = document.createElement('div');
  rows.className = 'rows';
  lines.append(tall, rows);
  part.append(lines);

  let shown = null; // indices of the lines that pass the filter; null for all
  let marked = 0;
  let needle = '';
  const many = () => (shown ? shown.length : count);
  const lineAt = (at) => text.slice(starts[at], starts[at + 1] - 1);
  const probe = document.createElement('div');
  probe.className = 'row';
  probe.textContent = 'x';
  rows.append(probe);
  const high = probe.getBoundingClientRect().height || 18;
  probe.remove();

  const spanOf = (number) => spans.find((span) => span[0] <= number && number <= span[1]);
  function row(at) {
    const line = document.createElement('div');
    line.className = 'row';
    const number = numbers[at];
    const span = number && spanOf(number);
    if (span) line.classList.add('in', 's' + span[2]);
    if (number && number === marked) line.classList.add('marked');
    const label = document.createElement(number ? 'a' : 'span');
    label.className = 'no';
    if (number) { label.href = '#L' + number; label.textContent = number; label.tabIndex = -1; }
    const words = document.createElement('span');
    let body = lineAt(at);
    const rest = body.length - MOST;
    if (rest > 0) body = body.slice(0, MOST);
    if (needle) {
      const low = body.toLowerCase();
      let from = 0;
      for (let hit = low.indexOf(needle); hit >= 0 && low.length === body.length; hit = low.indexOf(needle, from)) {
        const mark = document.createElement('mark');
        mark.textContent = body.slice(hit, hit + needle.length);
        words.append(body.slice(from, hit), mark);
        from = hit + needle.length;
      }
      words.append(body.slice(from));
    } else {
      words.textContent = body;
    }
    line.append(label, words);
    if (rest > 0) {
      const more = document.createElement('button');
      more.textContent = `${rest} more characters: copy the line`;
      more.addEventListener('click', () => copy(lineAt(at)));
      line.append(more);
    }
    return line;
  }
  const scaled = () => many() * high > TALL;
  let top = 0; // the first line that is seen, with a fraction
  let own = false;
  function measure() {
    tall.style.height = Math.min(many() * high, TALL) + 'px';
  }
  function draw() {
    const seen = Math.ceil(lines.clientHeight / high) + 1;
    const first = Math.max(0, Math.min(Math.floor(top), many() - 1));
    const parts = [];
    for (let at = first; at < Math.min(many(), first + seen); at += 1) parts.push(row(shown ? shown[at] : at));
    rows.replaceChildren(...parts);
    rows.style.top = lines.scrollTop - (scaled() ? 0 : lines.scrollTop % high) + 'px';
  }
  function to(line) {
    top = Math.max(0, Math.min(line, many() - Math.floor(lines.clientHeight / high)));
    const room = tall.offsetHeight - lines.clientHeight;
    own = true;
    lines.scrollTop = scaled() ? (top / Math.max(1, many() - lines.clientHeight / high)) * room : Math.floor(top) * high;
    draw();
    requestAnimationFrame(() => { own = false; });
  }
  let due = false;
  lines.addEventListener('scroll', () => {
    if (own || due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      const room = tall.offsetHeight - lines.clientHeight;
      top = scaled() ? (lines.scrollTop / Math.max(1, room)) * (many() - lines.clientHeight / high) : lines.scrollTop / high;
      draw();
    });
  });
  // Where a pixel of the bar is many lines, the wheel and the keys still go line by line.
  lines.addEventListener('wheel', (event) => {
    if (!scaled() || event.ctrlKey || !event.deltaY) return;
    event.preventDefault();
    to(top + (event.deltaMode ? event.deltaY : event.deltaY / high));
  }, { passive: false });
  lines.addEventListener('keydown', (event) => {
    const page = Math.max(1, Math.floor(lines.clientHeight / high) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    to(by === -Infinity ? 0 : by === Infinity ? many() : top + by);
  });
  addEventListener('resize', () => { measure(); draw(); });

  const indexOf = (number) => {
    let [low, high2] = [0, count];
    // Numbers ascend but for gaps, which have none.
    while (low < high2) {
      const middle = (low + high2) >> 1;
      const here = numbers[middle] || (numbers[middle + 1] || Infinity) - 1;
      if (here < number) low = middle + 1; else high2 = middle;
    }
    return low;
  };
  let run = 0;
  function filter(done) {
    const [words, caller, rank] = ['#words', '#caller', '#severity'].map((id) => one(id).value.trim());
    needle = words.toLowerCase();
    run += 1;
    const mine = run;
    const say = one('#matches');
    if (!words && !caller && rank === '') {
      shown = null; say.textContent = ''; measure(); to(marked ? indexOf(marked) - 3 : 0);
      if (done) done();
      return;
    }
    const wanted = rank === '' ? null : spans.filter((span) => span[2] <= Number(rank));
    const by = caller ? new RegExp('\\[\\s*' + caller.replace(/[^\w]/g, '\\$&') + '\\]') : null;
    const quick = words ? new RegExp(words.replace(/[^\w\s]/g, '\\$&'), 'i') : null;
    const found = [];
    let at = 0;
    const slice = () => {
      if (mine !== run) return;
      const end = Math.min(count, at + 60000);
      for (; at < end; at += 1) {
        const number = numbers[at];
        if (!number) continue;
        if (wanted && !wanted.some((span) => span[0] <= number && number <= span[1])) continue;
        if (!by && !quick) { found.push(at); continue; }
        const line = lineAt(at);
        if ((!by || by.test(line.slice(0, 200))) && (!quick || quick.test(line))) found.push(at);
      }
      say.textContent = `${found.length} lines` + (at < count ? ' so far' : '');
      if (at < count) { setTimeout(slice, 0); return; }
      shown = Uint32Array.from(found);
      measure();
      to(0);
      if (done) done();
    };
    slice();
  }
  window.log = {
    filter,
    count,
    go(number) {
      const show = () => {
        marked = number;
        part.scrollIntoView({ block: 'start' });
        to(indexOf(number) - 5);
        tell(`line ${number}`);
        lines.focus({ preventScroll: true });
      };
      if (shown && !shown.includes(indexOf(number))) {
        one('#filters').reset();
        filterCards();
        filter(show);
      } else if (shown) {
        marked = number;
        part.scrollIntoView({ block: 'start' });
        to(shown.indexOf(indexOf(number)) - 5);
      } else {
        show();
      }
    },
  };
  measure();
  draw();
})();
follow();
