# For hands that type make: every target is a word of ./run, where the work is done.
.PHONY: demo test lint types imports bench shots docs check
demo test lint types imports bench shots docs:
	@./run $@
check:
	@bash .ci/run
