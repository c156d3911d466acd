# How rooms, their tests and their flags are declared; see docs/architecture.md for what a room is.

add_library(sotto_flags INTERFACE)
target_compile_options(sotto_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-psabi)
if(SOTTO_WERROR)
  target_compile_options(sotto_flags INTERFACE -Werror)
endif()
if(SOTTO_SANITIZE)
  target_compile_options(sotto_flags INTERFACE -fsanitize=${SOTTO_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(sotto_flags INTERFACE -fsanitize=${SOTTO_SANITIZE})
endif()

# sotto_room(NAME SOURCES a.cpp ... LINK sotto_core ...): the static library sotto_NAME from src/NAME.
function(sotto_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(sotto_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(sotto_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(sotto_${name} PUBLIC ${ROOM_LINK} PRIVATE ${ROOM_PRIVATE_LINK} sotto_flags)
endfunction()

# sotto_test(NAME LABELS unit SOURCES a_test.cpp ... LINK sotto_audio ...): one GoogleTest executable.
# Labels: unit (no model; runs under the sanitizers), model (needs demo/model), model_sanitized (the same; runs under the
# thread sanitizer), nncf (runs NNCF), full (not in the default run).
function(sotto_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINK} sotto_test_support sotto_flags GTest::gtest_main GTest::gmock)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # GoogleTest's macros take long to optimise
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT})
endfunction()
