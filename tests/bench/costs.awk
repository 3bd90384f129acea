# For scripts/verifier-cost. First file: the table, whose header line names the kernels
# and where `-` stands for a program that a kernel has no hook for. Second: kernel,
# program, instructions. Prints the new figures and what differs; with update=yes writes
# the table anew to the file `new`.

BEGIN { FS = OFS = "\t" }

function learn(kernel) {
	if (kernel in known_kernel)
		return
	known_kernel[kernel] = 1
	kernels[++n_kernels] = kernel
}

function know(program) {
	if (program in known)
		return
	known[program] = 1
	programs[++n_programs] = program
}

/^#/ { next }

FILENAME == ARGV[1] && $1 == "program" {
	for (i = 2; i <= NF; i++)
		learn($i)
	next
}

FILENAME == ARGV[1] {
	know($1)
	for (i = 2; i <= NF; i++)
		was[$1, kernels[i - 1]] = $i
	next
}

{
	learn($1)
	know($2)
	now[$2, $1] = $3
	measured[$1] = 1
}

# Looking an element up would make it.
function old(program, kernel) { return (program, kernel) in was ? was[program, kernel] : "-" }
function cost(program, kernel) { return (program, kernel) in now ? now[program, kernel] : "-" }

function print_costs(    p, k, line, any, sum) {
	line = sprintf("%-16s", "program")
	for (k = 1; k <= n_kernels; k++)
		if (kernels[k] in measured)
			line = line sprintf(" %9s", kernels[k])
	print line
	for (p = 1; p <= n_programs; p++) {
		line = sprintf("%-16s", programs[p])
		any = 0
		for (k = 1; k <= n_kernels; k++)
			if (kernels[k] in measured) {
				line = line sprintf(" %9s", cost(programs[p], kernels[k]))
				any = any || cost(programs[p], kernels[k]) != "-"
				sum[k] += cost(programs[p], kernels[k])
			}
		if (any)
			print line
	}
	line = sprintf("%-16s", "all")
	for (k = 1; k <= n_kernels; k++)
		if (kernels[k] in measured)
			line = line sprintf(" %9d", sum[k])
	print line "\n"
}

function say(program, kernel, text) { printf "FAILED %s on %s: %s\n", program, kernel, text }

# Whether it is a failure.
function compare(program, kernel,    a, b, percent) {
	a = old(program, kernel)
	b = cost(program, kernel)
	if (a == b)
		return 0
	if (a == "-" || b == "-") {
		say(program, kernel, a == "-" ? b ", not in the table" : "gone, was " a)
		return 1
	}
	percent = (b - a) * 100 / a
	if (percent > tolerance && b - a > slack) {
		say(program, kernel, sprintf("%d -> %d (%+.0f %%)%s", a, b, percent,
			b > limit / 2 ? ", more than half of what the kernel takes" : ""))
		return 1
	}
	if (percent < -tolerance && a - b > slack)
		printf "better: %s on %s: %d -> %d (%+.0f %%)\n", program, kernel, a, b, percent
	return 0
}

function compare_all(    p, k, checked, failed) {
	for (p = 1; p <= n_programs; p++)
		for (k = 1; k <= n_kernels; k++)
			if (kernels[k] in measured) {
				checked++
				failed += compare(programs[p], kernels[k])
			}
	printf "%d passed, %d failed\n", checked - failed, failed
	return failed > 0
}

function write_table(    p, k, line, any, value) {
	print "# How many instructions the verifier goes through, per program and kernel." >new
	print "# Written by scripts/verifier-cost -u, compared by scripts/verifier-cost." >new
	line = "program"
	for (k = 1; k <= n_kernels; k++)
		line = line OFS kernels[k]
	print line >new
	for (p = 1; p <= n_programs; p++) {
		line = programs[p]
		any = 0
		for (k = 1; k <= n_kernels; k++) {
			value = old(programs[p], kernels[k])
			if (kernels[k] in measured)
				value = cost(programs[p], kernels[k])
			any = any || value != "-"
			line = line OFS value
		}
		if (any)
			print line >new
	}
}

END {
	print_costs()
	if (update != "")
		write_table()
	else
		exit compare_all()
}
