# Figures of tests/bench/guest -> the tables of scripts/bench. First file: peers.

BEGIN {
	FS = "\t"
	# What an untagged access and an unlabelled send may cost beyond the floor, on 6.1.
	budget["read 1 B, tmpfs"] = budget["read 4 KiB, tmpfs"] = budget["open+close, tmpfs"] = 60
	budget["read 1 B, ext4"] = budget["read 4 KiB, ext4"] = budget["open+close, ext4"] = 60
	budget["send 1 B, UDP"] = 100
	n_columns = split("none floor untagged named tagged hashed", columns, " ")
}

/^#/ || /^$/ { next }

FNR == NR { peers[++n_peers] = $0; next }

$1 == "kernel" { kernel = $2; next }

$2 == "nothing" { next }	# the clock's own cost: a few

{
	cost[$1, $2] = $3
	if (!($2 in known) && $1 != "again" && $1 !~ /^rules-/) {
		known[$2] = 1
		rows[++n_rows] = $2
	}
}

function thousands(n,    text) {
	text = sprintf("%.0f", n)	# %d ends at 2^31 in mawk
	while (text ~ /[0-9][0-9][0-9][0-9]/)
		match(text, /[0-9][0-9][0-9](,|$)/) &&
			text = substr(text, 1, RSTART - 1) "," substr(text, RSTART)
	return text
}

function has(column, row) { return (column, row) in cost }

function cell(column, row) {
	if (!has(column, row))
		return "-"
	if (column == "none" || !has("none", row))
		return thousands(cost[column, row])
	return sprintf("%s %5.2fx", thousands(cost[column, row]),
		cost[column, row] / cost["none", row])
}

function print_head(words,    word) {
	gsub(/,/, "\t", words)
	gsub(/;/, ",", words)
	split(words, word, "\t")
	printf "%-24s %10s %16s %16s %16s %16s %16s\n", word[1], word[2], word[3], word[4], word[5], word[6],
		word[7]
}

function print_costs(    i, j) {
	print "Instructions per operation on Linux " kernel ", in one boot: the least of 1,500 (of 200:"
	print "fork+exec, first, refused; of 10: grep, tar), and the ratio to no monitor.\n"
	print_head(",no,empty,untagged file;,the same; by a,tagged and,untagged file;")
	print_head(",monitor,programs,by anybody,named program,allowed,fmod_ret hooks")
	for (i = 1; i <= n_rows; i++) {
		printf "%-24s", rows[i]
		for (j = 1; j <= n_columns; j++)
			printf " %*s", j == 1 ? 10 : 16, cell(columns[j], rows[i])
		print ""
	}
	print "\nsend, fork+exec: by a process without labels; in the last column by one that carries one,"
	print "to a zone where it may. A send is told each time, a file's read the first time and then"
	print "counted: \"first\" takes another file each time. A refusal is told each time; \"with agent\":"
	print "which is woken, and may run in between on the one CPU. grep, tar: good to some percent."
}

function verdict(over, limit) {
	return over <= limit ? "within" : sprintf("OVER by %d", over - limit)
}

function print_budget(    i, row, over) {
	print "\nBeyond the floor (empty programs), against the budget of 6.1" \
		(line == "6.1" ? "" : ", which binds there only") ":\n"
	for (i = 1; i <= n_rows; i++) {
		row = rows[i]
		if (!(row in budget) || !has("floor", row) || !has("untagged", row))
			continue
		over = cost["untagged", row] - cost["floor", row]
		printf "%-24s %+6d of %3d  %-12s", row, over, budget[row], verdict(over, budget[row])
		over = cost["named", row] - cost["floor", row]
		printf "   named program %+6d  %s\n", over, verdict(over, budget[row])
	}
}

# One policy of 10 rules and one of 10,000, each tagged and allowed but for the refusal.
function print_rules(    i, row, a, b, percent, worst) {
	if (!has("rules-10", "read 1 B, tmpfs"))
		return
	print "\nTagged and allowed, under 10 rules (8 stores, 12 subjects, 4 zones) and under 10,000"
	print "(4,096 stores, 256 subjects, 252 zones):\n"
	printf "%-24s %12s %12s\n", "", "10", "10,000"
	for (i = 1; i <= n_rows; i++) {
		row = rows[i]
		if (!has("rules-10", row) || !has("rules-10000", row))
			continue
		a = cost["rules-10", row]
		b = cost["rules-10000", row]
		percent = (b - a) * 100 / a
		if (row != "fork+exec" && (percent < 0 ? -percent : percent) > worst)
			worst = percent < 0 ? -percent : percent
		printf "%-24s %12s %12s  %+5.1f %%\n", row, thousands(a), thousands(b), percent
	}
	printf "\nAt most %.1f %% apart (fork+exec left out, see README.md): %s 5 %%.\n", worst,
		worst <= 5 ? "within" : "OVER"
}

function print_drift(    i, row, d, worst, where) {
	for (i = 1; i <= n_rows; i++) {
		row = rows[i]
		if (!has("again", row) || row == "fork+exec")
			continue
		d = cost["again", row] - cost["none", row]
		if (d < 0)
			d = -d
		if (d >= worst + 0) {
			worst = d
			where = row
		}
	}
	printf "\nNo monitor measured again at the end: at most %d instructions off (%s);", worst, where
	printf " fork+exec %+d.\n", cost["again", "fork+exec"] - cost["none", "fork+exec"]
}

function ours(column, row) {
	return has(column, row) ? sprintf("%+d", cost[column, row] - cost["none", row]) : "-"
}

function theirs(ratio, base) {
	return ratio == "-" ? "-" : sprintf("%+d", (ratio - 1) * base)
}

function print_peers(    i, base, f) {
	print "\nWhat is added to no monitor, in line, beside peers (theirs on 6.1, from tests/bench/peers):\n"
	printf "%-28s %11s %9s %11s %8s %14s\n", "", "open+close", "read 1 B", "read 4 KiB", "send",
		"watched 1 B"
	printf "%-28s %11s %9s %11s %8s %14s\n", "Amanat", ours("untagged", "open+close, tmpfs"),
		ours("untagged", "read 1 B, tmpfs"), ours("untagged", "read 4 KiB, tmpfs"),
		ours("untagged", "send 1 B, UDP"), ours("tagged", "read 1 B, tmpfs")
	split(peers[1], base, "\t")
	for (i = 2; i <= n_peers; i++) {
		split(peers[i], f, "\t")
		printf "%-28s %11s %9s %11s %8s %14s\n", f[1], theirs(f[2], base[2]),
			theirs(f[3], base[3]), theirs(f[4], base[4]), theirs(f[5], base[5]),
			theirs(f[6], base[6])
	}
}

END {
	if (!n_rows || !has("tagged", "read 1 B, tmpfs")) {
		print "error: there are no figures" >"/dev/stderr"
		exit 1
	}
	print_costs()
	print_budget()
	print_rules()
	print_drift()
	print_peers()
}
