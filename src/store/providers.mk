# Providers of object stores, as far as the headers of their libraries are here and have what is used.  The libraries are
# loaded when they are first used.  Included by the Makefiles that compile this room.
#
# make WITH_LIBCURL=0, WITH_LIBS3=0: without these providers
STORE_PROVIDERS :=

# $(1): what to define; $(2): the header; $(3): the provider; $(4): a declaration that compiles where it is the right one
define store_provider
ifneq ($$(WITH_$(1)),0)
ifeq ($$(shell printf '\043include <stdint.h>\n\043include <sys/select.h>\n\043include <$(2)>\n$(4);\n' | \
	$$(or $$(CC),cc) -Werror -fsyntax-only -x c - >/dev/null 2>&1 && echo found),found)
STORE_PROVIDERS += -DUSE_$(1)
else
$$(info vector: no provider "$(3)" of object stores, because there is no <$(2)> that it could use)
endif
endif
endef

comma = ,
$(eval $(call store_provider,LIBCURL,curl/curl.h,s3,\043if LIBCURL_VERSION_NUM < 0x074200\n\043error\n\043endif\nint none))
$(eval $(call store_provider,LIBS3,libs3.h,libs3,void (*used)(const S3BucketContext *$(comma) const char *$(comma) S3RequestContext *$(comma) const S3ResponseHandler *$(comma) void *) = S3_head_object))
