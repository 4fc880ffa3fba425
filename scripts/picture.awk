# Draws two files of "seconds KiB" lines as an SVG: seconds across, MiB up, with
# a line at each cap. Its colours are legible on white and on black.

function x(t) { return left + t / end * width }
function y(mib) { return top + (1 - mib / high) * height }
function text(px, py, anchor, class, s) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">%s</text>\n", px, py, anchor, class, s
}
function rule(x1, y1, x2, y2, class) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class
}
function run(cap, n, t, kib, class,   i) {
	rule(left, y(cap), left + width, y(cap), "cap " class)
	text(left + width / 3, y(cap) - 6, "middle", "label " class, "--memory " cap "MiB")
	printf "<polyline class=\"run %s\" points=\"", class
	for (i = 1; i <= n; i++) printf "%.1f,%.1f ", x(t[i]), y(kib[i] / 1024)
	print "\"/>"
	text(x(t[n]) + 6, y(kib[n] / 1024) + 4, "start", "label " class, sprintf("%.0f MiB", peak[class] / 1024))
}

FNR == 1 { file++ }
file == 1 { at1[++n1] = $1; kib1[n1] = $2; if ($2 > peak["a"]) peak["a"] = $2 }
file == 2 { at2[++n2] = $1; kib2[n2] = $2; if ($2 > peak["b"]) peak["b"] = $2 }

END {
	left = 52; top = 44; width = 630; height = 260; high = 80
	last = at1[n1] > at2[n2] ? at1[n1] : at2[n2]
	end = 5 * int(last / 5 + 1)
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 360\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">"
	printf "<title>Resident memory of weir over time: %s from a fast source into a slow sink, under 32 and 64 MiB</title>\n", size
	print "<style>"
	print "text { fill: #6b7280 } .title { font-size: 15px; font-weight: 600 }"
	print ".grid { stroke: #9ca3af; stroke-opacity: .3 } .axis { stroke: #9ca3af }"
	print ".cap { stroke-width: 1.5; stroke-dasharray: 6 4 } .run { fill: none; stroke-width: 2 }"
	print "line.a, polyline.a { stroke: #2f81f7 } line.b, polyline.b { stroke: #d97706 }"
	print ".label { font-weight: 600 } text.a { fill: #2f81f7 } text.b { fill: #d97706 }"
	print "</style>"
	text(left, 24, "start", "title", size " from a fast source into a slow sink: resident memory, MiB")
	for (m = 0; m <= high; m += 16) {
		rule(left, y(m), left + width, y(m), m ? "grid" : "axis")
		text(left - 8, y(m) + 4, "end", "", m)
	}
	for (s = 0; s <= end; s += 5) text(x(s), top + height + 20, "middle", "", s)
	text(left + width / 2, top + height + 40, "middle", "", "seconds")
	run(32, n1, at1, kib1, "a")
	run(64, n2, at2, kib2, "b")
	print "</svg>"
}
