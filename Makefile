EXTENSION = vector
EXTVERSION = 1.0

MODULE_big = vector
DATA = vector--$(EXTVERSION).sql
# The SQL of pgvector 0.8.0 to 0.8.7 is the same: one script updates the last, and empty ones lead there.
PGVECTOR_UPDATE = vector--0.8.7--$(EXTVERSION).sql
PGVECTOR_STEPS = vector--0.8.0--0.8.1.sql vector--0.8.1--0.8.2.sql vector--0.8.2--0.8.3.sql \
	vector--0.8.3--0.8.4.sql vector--0.8.4--0.8.5.sql vector--0.8.5--0.8.6.sql vector--0.8.6--0.8.7.sql
# CREATE EXTENSION vector VERSION '0.8.6' installs this version, and goes from it to that number.
PGVECTOR_NUMBERS = $(foreach patch,0 1 2 3 4 5 6 7,vector--$(EXTVERSION)--0.8.$(patch).sql)
DATA_built = $(PGVECTOR_UPDATE) $(PGVECTOR_STEPS) $(PGVECTOR_NUMBERS)
HEADERS = src/types/vector.h src/types/halfvec.h src/types/sparsevec.h
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))

TESTS = $(wildcard sql/*.sql)
REGRESS = $(patsubst sql/%.sql,%,$(TESTS))
REGRESS_OPTS = --inputdir=. --load-extension=vector

include $(or $(srcdir),.)/src/store/providers.mk
PG_CPPFLAGS = -I$(srcdir)/src -I$(libpq_srcdir) $(STORE_PROVIDERS)
# PostgreSQL's own headers are not free of unused parameters and mixed signs
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-declaration-after-statement
# functions call those of this library, not those of the same name of one that was loaded before; and it loads sooner
SHLIB_LINK = -lm -ldl -lpthread $(if $(filter linux,$(PORTNAME)),-Wl$(comma)-Bsymbolic)
include $(or $(srcdir),.)/src/text/icu.mk

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Indexes are the same each time, as far as one process builds them, and no snapshot of a background worker keeps VACUUM from
# removing rows.
installcheck: export PGOPTIONS := $(PGOPTIONS) -c vector.seed=1 -c vector.background_work=off

# PGXS knows no headers of an object, where PostgreSQL was built without --enable-depend
$(OBJS): $(wildcard src/*.h src/*/*.h)

PGVECTOR_CATALOG = $(srcdir)/test/compat/pgvector-0.8.catalog

$(PGVECTOR_UPDATE): vector--$(EXTVERSION).sql update.awk $(PGVECTOR_CATALOG)
	awk -f $(srcdir)/update.awk $(PGVECTOR_CATALOG) $< >$@.tmp && mv $@.tmp $@

$(PGVECTOR_STEPS) $(PGVECTOR_NUMBERS):
	echo '-- nothing differs' >$@

.PHONY: bench
bench:
	python3 $(srcdir)/test/bench/run.py $(BENCH_ARGS)

# A Debian package of what is built here, for the PostgreSQL of PG_CONFIG.
DEB = build/postgresql-$(MAJORVERSION)-$(EXTENSION)_$(EXTVERSION)_$(shell dpkg --print-architecture 2>/dev/null).deb

.PHONY: deb
deb: all
	rm -rf build/deb
	$(MAKE) install DESTDIR=$(abspath build/deb) PG_CONFIG=$(PG_CONFIG)
	mkdir -p build/deb/DEBIAN
	printf '%s\n' 'Package: postgresql-$(MAJORVERSION)-$(EXTENSION)' 'Version: $(EXTVERSION)' \
		"Architecture: $$(dpkg --print-architecture)" 'Maintainer: the vector authors' \
		'Section: database' 'Priority: optional' 'Depends: postgresql-$(MAJORVERSION)' \
		'Recommends: libopenblas0, libcurl4' \
		'Conflicts: postgresql-$(MAJORVERSION)-pgvector' \
		'Description: vector types, distances and search for PostgreSQL' >build/deb/DEBIAN/control
	dpkg-deb --root-owner-group --build build/deb $(DEB)
