//go:build browser

package browser

// faults is a script that finds what a reader stumbles over, wherever it is on the page:
// values that are none, texts that are cut or overlap, parts of a picture beyond its edge,
// and colours that are too close to those behind them.
const faults = `(() => {
	const found = [];
	const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.hidden, .skip');
	const name = (e) => (e.id ? '#' + e.id : e.tagName.toLowerCase() + '.' + (e.getAttribute('class') || '')) + ' ' + JSON.stringify(e.textContent.slice(0, 60));

	const texts = [];
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) if (walk.currentNode.data.trim() && seen(walk.currentNode.parentElement)) texts.push(walk.currentNode);

	for (const text of texts) {
		if (/(^|[^\w.])(NaN|undefined|null|Infinity|Invalid Date|\[object)/.test(text.data)) found.push('no value: ' + name(text.parentElement));
	}
	for (const label of document.querySelectorAll('[aria-label], [aria-valuetext]')) {
		if (/NaN|undefined|null|Infinity/.test((label.getAttribute('aria-label') || '') + (label.getAttribute('aria-valuetext') || ''))) found.push('no value in a label: ' + name(label));
	}

	// What is cut. With large letters a list may scroll sideways, and the search be narrow: the
	// columns go below each other by the size set in the browser, which a script cannot set.
	const large = parseFloat(getComputedStyle(document.documentElement).fontSize) > 15;
	for (const box of document.querySelectorAll('body *')) {
		if (!seen(box) || box.closest('svg')) continue;
		if (getComputedStyle(box).overflowX !== 'visible' && box.scrollWidth > box.clientWidth + 1 && !box.matches(large ? 'input, select, .scroll' : 'input, select')) found.push('wider than its box by ' + (box.scrollWidth - box.clientWidth) + ' px: ' + name(box));
		if (box.matches('td') && box.scrollWidth > box.clientWidth) found.push('wider than its cell: ' + name(box));
	}
	const measure = document.createElement('canvas').getContext('2d');
	for (const input of document.querySelectorAll('input')) {
		const style = getComputedStyle(input);
		measure.font = style.fontSize + ' ' + style.fontFamily; // style.font is empty: the numbers are tabular
		const end = input.getBoundingClientRect().left + parseFloat(style.paddingLeft) + 1 + measure.measureText(input.placeholder).width;
		const key = input.nextElementSibling?.matches('kbd') && seen(input.nextElementSibling) ? input.nextElementSibling.getBoundingClientRect().left : Infinity;
		if (!large && end > Math.min(key, input.getBoundingClientRect().right - 2)) found.push('the placeholder is cut: ' + input.placeholder);
	}
	for (const picture of document.querySelectorAll('.plot svg, .flow svg, .gauge svg')) {
		const b = picture.getBoundingClientRect();
		for (const part of picture.querySelectorAll('text, rect, .dot')) {
			const a = part.getBoundingClientRect();
			if (a.width && (a.left < b.left - 0.1 || a.right > b.right + 0.1 || a.top < b.top - 0.1 || a.bottom > b.bottom + 0.1)) found.push('beyond the edge: ' + part.outerHTML);
		}
	}
	for (const node of document.querySelectorAll('.node')) {
		const b = node.querySelector('rect').getBoundingClientRect();
		for (const text of node.querySelectorAll('text')) {
			const a = text.getBoundingClientRect();
			if (text.textContent && (a.left < b.left + 4 || a.right > b.right - 4 || a.bottom > b.bottom - 1 || a.top < b.top)) found.push('out of its box: ' + name(text));
		}
	}

	// What overlaps.
	const boxes = [];
	for (const text of texts) {
		const e = text.parentElement;
		if (e.closest('.scroll, option, select')) continue;
		const range = document.createRange();
		range.selectNodeContents(text);
		for (const r of range.getClientRects()) boxes.push([text, r]);
	}
	for (let i = 0; i < boxes.length; i++) {
		for (let j = i + 1; j < boxes.length; j++) {
			const [[s, a], [t, b]] = [boxes[i], boxes[j]];
			if (s === t) continue;
			const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
			const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
			const spare = Math.min(a.height, b.height) * 0.3; // letters do not fill their lines
			if (across > 1 && down > spare) found.push('overlap: ' + name(s.parentElement) + ' and ' + name(t.parentElement));
		}
	}

	// What is hard to see. Colours are [red, green, blue, opacity].
	const colour = (text) => {
		const n = (text.match(/-?[\d.]+(e-?\d+)?/g) || [0, 0, 0, 0]).map(Number);
		const k = text.startsWith('color(') ? 255 : 1;
		return [n[0] * k, n[1] * k, n[2] * k, n[3] ?? 1];
	};
	const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
	const behind = (e) => {
		const layers = [];
		const node = e.closest('.node');
		if (node && !e.matches('rect')) layers.push(colour(getComputedStyle(node.querySelector('rect')).fill));
		for (let at = e; at; at = at.parentElement) {
			if (!(at instanceof SVGElement)) layers.push(colour(getComputedStyle(at).backgroundColor));
		}
		return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
	};
	const light = (c) => {
		const [r, g, b] = c.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (front, back) => {
		const [a, b] = [light(over(front, back)), light(back)];
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	};
	const pale = (e, front, back, least) => {
		const ratio = contrast(front, back);
		if (ratio < least) found.push('contrast ' + ratio.toFixed(2) + ', want ' + least + ': ' + name(e));
	};
	for (const text of texts) {
		const e = text.parentElement;
		if (e.matches(':disabled, option')) continue;
		const style = getComputedStyle(e);
		const size = parseFloat(style.fontSize);
		if (size < 11) found.push('too small, ' + size + ' px: ' + name(e));
		pale(e, colour(e instanceof SVGElement ? style.fill : style.color), behind(e), size >= 24 || size >= 18.6 && style.fontWeight >= 700 ? 3 : 4.5);
	}
	for (const input of document.querySelectorAll('input')) pale(input, colour(getComputedStyle(input, '::placeholder').color), behind(input), 4.5);
	for (const part of document.querySelectorAll('.plot rect, .plot .line, .plot .dot, .gauge .value, .light, .bar, .key i')) {
		const style = getComputedStyle(part);
		const front = part.matches('.line, .value') ? style.stroke : part instanceof SVGElement ? style.fill : style.backgroundColor;
		if (front !== 'none' && seen(part)) pale(part, colour(front), behind(part.parentElement), 3);
	}
	return [...new Set(found)];
})()`
