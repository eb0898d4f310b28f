/** Learning rates as pure functions of the step. */
package org.longhaul.schedule;
