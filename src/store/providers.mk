# Providers of object stores, as far as the headers of their libraries are here and have what is used.  The libraries are
# loaded when they are first used.  Included by the Makefiles that compile this room.
#
# make WITH_LIBCURL=0, WITH_LIBS3=0: without these providers
STORE_PROVIDERS :=

# $(1): a header; $(2): a declaration that compiles where it is the right one; gives "found", or nothing
store_header = $(shell printf '\043include <stdint.h>\n\043include <sys/select.h>\n\043include <$(1)>\n$(2);\n' | \
	$(or $(CC),cc) -Werror -fsyntax-only -x c - >/dev/null 2>&1 && echo found)

# $(1): what to define; $(2): the header; $(3): the provider; $(4): as what, if it is there
define store_provider
ifneq ($$(WITH_$(1)),0)
STORE_VALUE := $(4)
ifneq ($$(STORE_VALUE),)
STORE_PROVIDERS += -DUSE_$(1)=$$(STORE_VALUE)
else
$$(info vector: no provider "$(3)" of object stores, because there is no <$(2)> that it could use)
endif
endif
endef

comma = ,
enough_curl = \043if LIBCURL_VERSION_NUM < 0x074200\n\043error\n\043endif\nint none
# version 4 has a limit of time besides
head_object = void (*used)(const S3BucketContext *$(comma) const char *$(comma) S3RequestContext *$(comma) $(1)const S3ResponseHandler *$(comma) void *) = S3_head_object
$(eval $(call store_provider,LIBCURL,curl/curl.h,s3,$$(if $$(call store_header,curl/curl.h,$$(enough_curl)),1)))
$(eval $(call store_provider,LIBS3,libs3.h,libs3,$$(if $$(call store_header,libs3.h,$$(call head_object,)),2,$$(if $$(call store_header,libs3.h,$$(call head_object,int$$(comma) )),4))))
