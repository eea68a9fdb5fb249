# Providers of object stores, as far as the headers of their libraries are here.  The libraries are loaded when they are
# first used.  Included by the Makefiles that compile this room.
#
# make WITH_LIBCURL=0, WITH_LIBS3=0: without these providers
STORE_PROVIDERS :=

define store_provider
ifneq ($$(WITH_$(1)),0)
ifeq ($$(shell printf '\043include <$(2)>\n' | $$(or $$(CC),cc) -E - >/dev/null 2>&1 && echo found),found)
STORE_PROVIDERS += -DUSE_$(1)
else
$$(info vector: no provider "$(3)" of object stores, because there is no <$(2)>)
endif
endif
endef

$(eval $(call store_provider,LIBCURL,curl/curl.h,s3))
