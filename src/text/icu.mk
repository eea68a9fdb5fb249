# ICU, as far as its headers are here: for the tokenizer of text in any language.  Included by the Makefile.
#
# make WITH_ICU=0: without it
ifneq ($(WITH_ICU),0)
ICU_FLAGS := $(shell pkg-config --cflags icu-uc 2>/dev/null)
ICU_LINK := $(shell pkg-config --libs icu-uc 2>/dev/null)
ifneq ($(ICU_LINK),)
PG_CPPFLAGS += $(ICU_FLAGS) -DUSE_LIBICU
SHLIB_LINK += $(ICU_LINK)
else
$(info vector: no tokenizer "unicode", because pkg-config finds no icu-uc)
endif
endif
