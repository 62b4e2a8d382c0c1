# Every step is done by scripts/build.py, which also runs without make: python scripts/build.py STEP

STEPS := help run-tui run test check lint lint-fix fmt fmt-check ci bench-app check-env clean clean-all \
         test-core test-quant test-mcp test-torch test-vision test-server test-web

# The first Python that is new enough; to choose another: make PYTHON=/path/to/python3 STEP
ifdef PYTHON
  RUN = "$(PYTHON)"
else ifeq ($(OS),Windows_NT)
  RUN = $(if $(shell py -3 -c "print(3)"),py -3,python)
else
  RUN = $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
    "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
endif

.DEFAULT_GOAL := help
.PHONY: $(STEPS)

$(STEPS):
	@$(or $(RUN),$(error Python 3.11 or newer was not found; name one with: make PYTHON=/path/to/python3 $@)) scripts/build.py $@
