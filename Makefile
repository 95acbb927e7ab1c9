# Thin calls; the work is in meson.build and tools/. B is the build folder: make build B=build-mine
# One word narrows the tests: make test ONLY=base_map
B ?= build
SEEDS ?= 1000
# of fuzzing, for each target: an hour for all of them
SECONDS ?= 260
MINUTES ?= 10
JOBS ?= 2
ONLY ?=

.PHONY: all build test check demo sim workloads kills kill-sweep fault-sweep soak fuzz format format-check tidy install clean planted setup model
all: build

setup:
	@tools/setup
build: setup
	@tools/build -j $(JOBS) $(B)
test: setup
	@tools/build -k -j $(JOBS) $(if $(ONLY),-o $(ONLY)) $(B)
	@tools/test-runner -j $(JOBS) $(B) $(ONLY)
check:
	@tools/check
demo: build
	@PAWL_BUILD=$(B) examples/demo/run
sim: build
	@$(B)/pawl sim --seeds $(SEEDS)
workloads: build
	@PAWL_BUILD=$(B) tools/workloads
kills: build
	@PAWL_BUILD=$(B) tools/kills
kill-sweep: build
	@PAWL_BUILD=$(B) tools/kill-sweep -j $(JOBS)
soak: build
	@PAWL_BUILD=$(B) tools/soak -m $(MINUTES)
fault-sweep: build
	@PAWL_BUILD=$(B) tools/fault-sweep -j $(JOBS)
model:
	@tools/model $(ONLY)
planted:
	@tools/planted
fuzz:
	@tools/fuzz $(SECONDS) $(ONLY)
format:
	@tools/format
format-check:
	@tools/format --check
tidy:
	@tools/tidy
install: build
	@meson install -C $(B) --no-rebuild
clean:
	@rm -rf build build-*
